yes | head -2; seq 100000 | head -1; echo ok
