(sleep 0.2; echo late) | cat
(echo x; sleep 0.2; echo y) | while read l; do echo "<$l>"; done
echo done
