x=1; (x=2; echo $x); echo $x
(exit 3) || echo $?
(echo a; (echo b; (echo c)))
echo $$ > p1; (echo $$ > p2); cmp p1 p2 2>/dev/null || [ "$(cat p1)" = "$(cat p2)" ] && echo same
