unset u; e=; s=set
echo "${u-a}" "${u:-b}" "${e-c}" "${e:-d}" "${s-x}" "${s:-y}"
echo "${u+a}" "${e+b}" "${e:+c}" "${s:+d}"
echo "${n:=new}" $n ${#s} ${#u}
p=/a/b/c.tar.gz; echo ${p#*/} ${p##*/} ${p%.*} ${p%%.*} ${p%/*}
echo "${u:-"quo ted"}" ${u:-two words} "${u:-$s}"
q="a*b"; echo "${q%"*b"}" ${q#a}
(echo ${u?gone}) 2>/dev/null; echo $?
