while read a b; do echo "$b-$a"; done <<X
1 2 3
4 5
X
echo $a
