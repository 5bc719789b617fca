TARGET = test-thaw_teller
SRC_CC = main.cc
LIBS   = base
