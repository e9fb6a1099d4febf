# signals:
(trap "" TERM; sleep 0.8; echo never) & echo up; sleep 0.2; exit 4
