# signals: 0.3 TERM
exec sleep 0.8
