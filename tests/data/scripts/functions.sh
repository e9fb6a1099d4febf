f() { echo "f $1 $#"; return 3; echo never; }
f a b; echo $?
g() { local x=1; h; echo $x; }; h() { x=2; }; x=0; g; echo $x
r() { [ $1 -gt 3 ] && return; echo $1; r $(($1+1)); }; r 1
f2() ( y=sub; echo $y ); f2; echo "[$y]"
