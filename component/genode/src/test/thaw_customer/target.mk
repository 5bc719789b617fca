TARGET = test-thaw_customer
SRC_CC = main.cc
LIBS   = base
