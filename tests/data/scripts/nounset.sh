set -u
echo ${x:-d} ${y-e}
x=1; echo $x
(echo $nope; echo never) 2>/dev/null; echo $?
echo $nope2 2>/dev/null
echo never
