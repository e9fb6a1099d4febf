a=1; export a; b=2
sh -c 'echo "[$a][$b]"'
c=3 sh -c 'echo $c'; echo "[$c]"
export d=4 e; e=5; sh -c 'echo $d$e'
unset a; sh -c 'echo "[$a]"'
