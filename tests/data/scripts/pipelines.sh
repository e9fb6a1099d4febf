echo a | cat | tr a b
printf "3\n1\n2\n" | sort | head -2
false | true; echo $?
true | false; echo $?
! true | false; echo $?
echo x | { read y; echo "got $y"; }
seq 5 | while read n; do [ $n = 3 ] && break; echo $n; done; echo end
