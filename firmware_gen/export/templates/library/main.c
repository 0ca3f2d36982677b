/* main.c - starts the example that the build chose. */

void EXAMPLE(void);

#if defined(ESP_PLATFORM)
void app_main(void);
void app_main(void) { EXAMPLE(); }
#else
int main(void) {
    EXAMPLE();
    return 0;
}
#endif
