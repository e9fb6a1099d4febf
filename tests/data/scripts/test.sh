[ -n "" ] || echo a; [ -z "" ] && echo b; [ a = a ] && echo c; [ a != b ] && echo d; [ 2 -lt 10 ] && echo e; [ ! 1 -gt 2 ] && echo f
[ 1 -eq 1 -a 2 -eq 2 ] && echo g; [ 1 -eq 2 -o 2 -eq 2 ] && echo h; test -d . && echo i; [ -f nosuch ] || echo j; [ "" ] || echo k; [ x ] && echo l; test; echo $?; [ "(" = "(" ] && echo m
[ -e . ] && [ -d . -a ! -f . ] && echo n
