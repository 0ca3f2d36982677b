#ifndef SKA_JOURNAL_H
#define SKA_JOURNAL_H
#define SKA_PERSISTENT 0
#define ska_journal_saves() 0u
#ifndef SKA_UART_BUFFER
#define SKA_UART_BUFFER 256u
#endif
#endif
