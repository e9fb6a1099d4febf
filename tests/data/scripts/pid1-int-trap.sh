# signals: 0.3 INT
trap "echo INT; exit 7" INT; while :; do sleep 0.2; done
