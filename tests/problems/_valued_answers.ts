import type { AnswerKind } from "./_answer_kinds.ts";

/** Kinds that differ in what an answer amounts to, or in the words around it. */
export const VALUED_ANSWERS: readonly AnswerKind[] = [
  {
    name: "answers with nothing in them",
    right: String.raw`
\emptyset | \varnothing
\emptyset | \{\}
\emptyset | ∅
\{\} | \emptyset
\emptyset | \text{no solution}
\text{no solution} | No solution.`,
    wrong: String.raw`
\emptyset | ,
\emptyset | \,
\emptyset | ;
\emptyset | .
\emptyset | ~
\emptyset | \quad
\emptyset | {}
\emptyset | $$
\emptyset | \text{}
\emptyset | ()
\emptyset | []
\{\} | \,
0 | \,
\emptyset | 0
\emptyset | \{0\}`,
  },
  {
    name: "names and labels",
    right: String.raw`
(p,q)=(3,2) | (3,2)
(3,2) | (p,q)=(3,2)
AB:BC=3:4 | 3:4
AB:BC=3:4 | AB:BC = 6:8
(p,q)=(3,2) | q=2, p=3
(x,y)=(2,3) | x=2 \text{ and } y=3
(2,3) | x=2, y=3
S_1:S_2=7:32 | 7:32
7:32 | S_1:S_2=7:32
|AB|=1 | 1
1 | |AB|=1
AB=5 | 5
60 | m\angle A = 60^\circ
12 | [ABC]=12
S_{\triangle ABC}=12 | 12
\frac13 | P(A \cap B) = \frac13
x_1=\frac12,\quad x_2=3 | 3, \frac12
3, \frac12 | x_1=\frac12,\quad x_2=3
k=45, n=2 | 45, 2
45, 2 | k=45, n=2
2x | f'(x)=2x
2x | \frac{dy}{dx}=2x
a_n = 2n+1 | 2n+1
5 | AB = BC = 5
\frac12 | \int_0^1 x\,dx = \frac12
12 | \text{The area is } 12
12 | \text{Answer: } 12
12 | = 12
12 | \textbf{(C)}\ 12
C | \textbf{(C)}\ 12
\frac{\pi}{6}+2k\pi | \frac{\pi}{6}+2k\pi, k\in\mathbb{Z}
\frac{\pi}{6}+2k\pi | \frac{\pi}{6}+2k\pi, \text{ where } k \text{ is an integer}`,
    wrong: String.raw`
(p,q)=(3,2) | (2,3)
(p,q)=(3,2) | p=2, q=3
(p,q)=(3,2) | (q,p)=(3,2)
S_1:S_2=7:32 | 32:7
AB:BC=3:4 | AC:BC=3:4
AB:BC=3:4 | 4:3
|AB|=1 | 2
x=5 | y=5
x=5 | x=6
x_1=2, x_2=3 | 2, 4
k=45, n=2 | 2, 45
x+y=5 | 5
x^2=4 | 4
4 | 2x=4
5 | 4=5
0 | 5x-7y+11z+4=0
SRAC=LRAC | LRAC
12 | \text{The area is not } 12
C | \textbf{(D)}\ 12
12 | \textbf{(C)}\ 13`,
  },
  {
    name: "ratios and approximations",
    right: String.raw`
7:32 | 7 : 32
3:4 | 6:8
7:32 | 7/32
\frac{7}{32} | 7:32
1:2:3 | 2:4:6
\frac13 | x=1/3\approx0.33
\sqrt2 | \sqrt{2} ≈ 1.41
11 | x\approx 11
12:00 | 12:00`,
    wrong: String.raw`
7:32 | 32:7
1:2:3 | 1:2:4
1:2:3 | 1:2
12:00 | 1:00
12:00 | 24:00
2=3 | 4=5
1+1=2 | 2+2=4
\frac13 | \frac14 \approx \frac13
\sqrt2 | 1.41 \approx \sqrt2`,
  },
  {
    name: "lists",
    right: String.raw`
2,3 | 2 and 3
2,3 | 3 or 2
2,3 | 2; 3
2,3 | 2 \text{ and } 3
2,3 | \{3, 2\}
2,3,5 | 5, 2, and 3
2 \text{ and } 3 | 3, 2
x=2, x=3 | x = 3 \text{ or } x = 2
x=\pm 3 | \{-3,3\}
\pm 3 | 3, -3
1\pm\sqrt2 | 1-√2, 1+√2
(1,2),(3,4) | (3,4) and (1,2)
x=1,y=2 | \begin{cases}x=1\\y=2\end{cases}`,
    wrong: String.raw`
2,3 | 2 and 4
2,3 | 2
2 | 2 and 3
2,3 | 2, 3, 3
2,3 | 23
4 | \pm 4
\pm 4 | 4
5 | 5 \text{ or more}
(1,2),(3,4) | (2,1),(3,4)
(1,2),(3,4) | (1,2)\cup(3,4)`,
  },
  {
    name: "commas, points and groups of digits",
    right: String.raw`
1000.99 | 1000,99
1000.99 | 1,000.99
1000.99 | 1.000,99
0.111 | 0,111
32349 | 32,\!349
32349 | 32{,}349
32349 | 32\,349
32349 | 32 349
12345678 | 12.345.678
12345678 | 12,345,678
58,500 | 58500
2,3 | 2,3
1.5 | 1{,}5
\$5,000.00 | 5000`,
    wrong: String.raw`
32349 | 32, 349
1000.99 | 1000,98
99 | 1000,99
1000 | 1000,99
1234 | (1,234)
12 | 1,2
1.234 | 1234
1.5 | 1,5,2
2,3 | 2.3
2.3 | 2, 3`,
  },
  {
    name: "percent",
    right: String.raw`
50\% | 50 pct
50\% | 50 percentage
50\% | 50\text{ percent}
50 | 50\%
50\% | 0.5
\frac12 | 50 percent
62.5\% | 62.5`,
    wrong: String.raw`
50\% | 51 pct
0.5 | 5\%
50\% | 0.05
\frac12 | 50`,
  },
  {
    name: "units",
    right: String.raw`
5 | 5 cm
5 | 5cm
5 | 5 apples
5 | 5\text{ apples}
5\text{ cm}^2 | 5 cm²
5\text{ m}^2 | 5 m^2
10 \text{ m/s} | 10 m/s
10 \text{ m/s} | 10\ \mathrm{m/s}
5 | 5 km/h
20 | 20°C
20 | 20^\circ\text{C}
45 | 45 min
5 | $5 per hour
\$5 | 5 dollars
5 | 5 €
90^\circ | 90 degrees
3000 | 3 \times 10^3 \text{ kg}
3e8 | 3 x 10^8
5000000 | 5 million
864 \mbox{ inches}^2 | 864\text{ square inches}`,
    wrong: String.raw`
5\text{ cm} | 5\text{ m}
5\text{ cm}^2 | 5\text{ cm}^3
10 \text{ m/s} | 10 km/h
\$5 | 5 cents
5 | 5 million
5 | 5 dozen
5 | 5 squared
5 | 5x
5 | 6 cm
\frac{\pi}{2} | 90^\circ`,
  },
  {
    name: "golds in a text",
    right: String.raw`
The sum is $2+3$, so the answer is $\boxed{5}$. | 5
$\frac{1}{2}$ | 1/2
\boxed{\frac{1}{2}} | 1/2
Therefore $n=45$ and $m=3$. | 45, 3
$125$ miles | 125
The area is $12$ cm. | 12`,
    wrong: String.raw`
The sum is $2+3$, so the answer is $\boxed{5}$. | 3
$\frac{1}{2}$ | 2
$125$ miles | 125 km
$f(x)=ax+b$, where $b$ is any integer and $c=0$ | 0
$f(x)=ax+b$, where $c=0$ | $f(x)=ax+b$, where $c=8$
The only functions are $f(x)=ax$, where $b=0$. | 0
Therefore $n=45$ and $m=3$. | 3`,
  },
  {
    name: "words",
    right: String.raw`
\text{Evelyn} | evelyn
\text{even} | Even.
\text{(C)} | C
C | (C)
\mathbb{R} | \text{all real numbers}`,
    wrong: String.raw`
\text{east} | \text{seat}
east | seat
\text{odd} | \text{even}
A | B
x | y
5 | \text{not } 5
5 | I do not know`,
  },
];
