for i in a "b c" $(echo d e); do echo "$i"; done
for i in; do echo never; done; echo $?
set -- 1 2; for i do echo $i; done
for i in 1 2 3; do false; done; echo $?
