f() { return 7; }; f; echo $?
f() { false; return; }; f; echo $?
f() { true; }; f; echo $?
f() { (exit 2); }; f; echo $?
