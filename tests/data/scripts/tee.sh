echo x | tee a b; cat a b; echo y | tee -a a >/dev/null; cat a
