printf "%s-%s\n" a b c
printf "%d %5d|%-5d|%05d\n" 42 42 42 42
printf "%x %o %c\n" 255 8 hello
printf "tab\there\n"
printf "%s\n"
printf "%.2f %5.1f\n" 3.14159 2.5
printf "%%|%b|\n" "a\tb"
