TARGET = test-thaw_opener
SRC_CC = main.cc
LIBS   = base
