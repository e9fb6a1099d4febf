mkdir d; touch d/a.txt d/b.txt d/c.log d/.hid
echo d/*.txt; echo d/*; echo d/?.log; echo d/[ab].txt; echo d/nomatch*; echo "d/*"
set -f; echo d/*; set +f
x="d/*.log"; echo $x "$x"
