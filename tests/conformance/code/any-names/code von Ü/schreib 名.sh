mkdir "$1/a b"
echo x > "$1/a b/'quoted' \$HOME.txt"
cp ./-dash.txt "$1/"
