true; false; echo $?; x=1; echo $?; (false); echo $?; { false; }; echo $?; : ; echo $?
