nosuchprogram 2>/dev/null; echo $?
./nosuch 2>/dev/null; echo $?
(nosuch2) 2>/dev/null || echo failed $?
