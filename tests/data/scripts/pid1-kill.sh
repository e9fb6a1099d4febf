# signals: 0.3 KILL
echo up; sleep 5; echo never
