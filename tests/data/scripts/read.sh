echo "a b c" | { read x y; echo "$x|$y"; }
printf "one\ntwo\n" | { read a; read b; read c; echo "$a $b [$c] $?"; }
echo "a:b:c" | { IFS=: read p q r; echo $r$q$p; }
printf "x\\\ny\n" | { read l; echo "$l"; }
printf "b\\\\s\n" | { read -r l; echo "$l" | wc -c | tr -d " "; }
printf "  lead  trail  \n" | { read l; echo "[$l]"; }
printf nonl | { read l; echo "$? $l"; }
