echo 'v=5; echo sourced $v; return 3; echo never' > lib.sh
. ./lib.sh; echo $? $v
