cat words.txt > "$2"
if [ "$1" = spoil ]; then
    echo spoiled > words.txt
    echo left > left.txt
fi
ls >> "$2"
