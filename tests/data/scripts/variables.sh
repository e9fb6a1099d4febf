a=1 b=$a; echo $b; a=2 c=3; echo $a$c
x=; echo "[$x]"; y="  sp  "; echo "[$y]"; echo $y
readonly r=1; (r=2) 2>/dev/null; echo $?; echo $r
v=1; v=2 true; echo $v; v=3 :; echo $v
