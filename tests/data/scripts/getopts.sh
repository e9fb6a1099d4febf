while getopts ab:c o; do echo "$o $OPTARG"; done
set -- -a -b val -c rest; while getopts ab:c o; do echo "$o ${OPTARG:-}"; done; shift $((OPTIND-1)); echo "$@"
