printf "foo bar\nbaz foo\n" > f
sed s/foo/X/ f; sed -n 2p f; sed "/baz/d" f; sed "s/\(o\)\(o\)/<\2\1>/g" f; sed -e "s/a/A/g" f; sed "s,foo,a/b,;" f; sed -n "/foo/s/foo/[&]/p" f; sed '$d' f; sed 1q f
