x=5
cat <<A
value $x $(echo sub) \$x $((x+1))
A
cat <<'B'
raw $x $(no)
B
cat <<-C
	tabs
	C
C
cat <<D; echo after
body
D
