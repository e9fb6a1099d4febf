echo a
kill -TERM $$
echo never
