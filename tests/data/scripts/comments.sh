echo a # comment
# echo b
echo c#d "#e" \#f
