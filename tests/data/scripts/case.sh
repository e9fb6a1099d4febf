for x in apple banana cherry "" "a b" "*"; do case $x in a*e) echo 1 $x;; b*|c*) echo 2 $x;; "") echo empty;; "*") echo star;; *\ *) echo space;; *) echo other;; esac; done
case abc in [a-c]bc) echo range;; esac
case abc in [!a]bc) echo no;; *) echo neg;; esac
case x in (x) echo paren;; esac; echo $?
case q in a) false;; esac; echo $?
