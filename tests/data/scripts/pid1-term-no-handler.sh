# signals: 0.3 TERM
echo up; sleep 0.6; echo alive
