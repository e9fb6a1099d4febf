set -e
f() { false; echo in; }
if f; then echo cond; fi
f
echo never
