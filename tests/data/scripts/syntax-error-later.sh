echo before
echo ) 2>/dev/null
echo after
