echo err >&2 2>/dev/null
{ echo out; echo err >&2; } > both 2>&1; cat both
echo x > f 2>&1; cat < f
(echo a; echo b) > g; wc -l < g | tr -d " "
cat nosuch 2>/dev/null; echo $?
while read l; do echo "r $l"; done < g
{ echo 1 >&3; } 3>h; cat h
echo z >| f; cat f 1>&2
