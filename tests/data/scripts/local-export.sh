f() { local v=in; export v; sh -c 'echo $v'; }; f; sh -c 'echo "[$v]"'
