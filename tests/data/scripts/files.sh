echo one > f; echo two >> f; cat f; wc -l < f | tr -d " "
cp f g; mv g h; ls; rm f; [ -e f ] || echo gone
mkdir -p a/b; touch a/b/c; ls a/b; rm -r a; ls
: > h; [ -s h ] || echo empty
