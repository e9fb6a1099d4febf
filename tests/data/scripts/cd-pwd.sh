mkdir -p d/e; cd d/e && echo ok; cd ../..; [ -d d/e ] && echo yes; cd d; cd - >/dev/null; [ -d d ] && echo back; (cd d); [ -d d ] && echo still
