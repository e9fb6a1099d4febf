x=$(echo hello; echo world)
echo "$x"
echo $x
echo "$(echo a   b)" $(echo c   d)
echo `echo back \`echo tick\``
echo $(echo $(echo deep))
y=$(exit 3); echo $?
z=$(printf "trail\n\n\n"); echo "[$z]"
