printf "b 2\na 1\nc 3\na 1\n" > f
sort f | uniq; sort -r f | head -n 1; cut -d" " -f2 f | tr "\n" ,; echo; grep -c a f; grep -v a f; grep -q z f || echo none; tail -n 1 f; wc -w < f | tr -d " "; seq 2 4 | tr "\n" " "; echo; echo abc | rev; basename /x/y.z .z; dirname /x/y
