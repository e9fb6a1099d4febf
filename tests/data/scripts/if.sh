if false; then echo a; elif true; then echo b; else echo c; fi
if false; then echo d; fi; echo $?
if [ 1 -eq 1 ] && [ a = a ]; then echo e; fi
if ! false; then echo f; fi
