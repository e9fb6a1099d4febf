(exit 3); echo $?
sh -c "exit 300"; echo $?
(exit 255); echo $?
false; echo $?
exit 42
