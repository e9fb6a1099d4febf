command -v echo; command -v if >/dev/null; echo $?; command -v nosuchthing; echo $?; echo() { printf "fn\n"; }; echo x; command echo y
