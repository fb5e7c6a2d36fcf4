WORD=hello
