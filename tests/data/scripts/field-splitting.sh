x="a b  c"; set -- $x; echo $#
IFS=:; y="a::b:"; set -- $y; echo $# "[$1][$2][$3]"
IFS=" :"; z=" a : b  c "; set -- $z; echo $# "[$1][$2][$3]"
unset IFS; set -- $(echo "p q
r"); echo $#
IFS=; set -- $x; echo $#
