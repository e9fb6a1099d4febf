for field in x 0; do printf 'b\na\n' | sort -k "$field"; echo "$?"; done
printf 'b 1\na 2\n' | sort -k 2
