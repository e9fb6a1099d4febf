a="x y"; echo $a "$a" '$a' \$a "\$a \" \\ \x" "it's" 'say "hi"'
echo a""b ''c "" d
echo "multi
line" con\
tinued
echo "`echo q`" "$(echo "in ner")"
