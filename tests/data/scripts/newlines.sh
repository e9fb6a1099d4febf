if
true
then
echo a
fi
for i in 1 2
do
echo $i
done
true &&
echo b |
cat
{ echo c
}
(
echo d
)
