x="echo a; echo b"; eval "$x"
eval echo "\$x"
y=z; eval "$y=5"; echo $z
eval; echo $?
eval "false"; echo $?
eval "exit 6"
