import type { AnswerKind } from "./_answer_kinds.ts";

/** Kinds that differ in how the mathematics is written. */
export const WRITTEN_ANSWERS: readonly AnswerKind[] = [
  {
    name: "roots and exponents without braces",
    right: String.raw`
2\sqrt{13} | 2√13
\frac{\sqrt{15}}{4} | √15/4
\frac{2\sqrt{3}}{3} | 2√3/3
2\sqrt3 | \sqrt12
3 | ∛27
10 | √100
4 | sqrt 16
1024 | 2^10
531441 | 3^12
\frac{1}{x} | x^-1
10^{-3} | 10^-3
e^{-10} | e^-10
x^{10}y | x^10y
2^{1.5} | 2^1.5
\frac{x^2}{2} | x^2/2
x^n+1 | x^n+1
x_{12}+1 | 1+x_12
\sqrt{2}x | \sqrt2x
\sqrt{2} x | √2 x
2^{3/2} | 2^(3/2)
e^{2x} | e^(2x)
x^2 | x**2
\sqrt{2+\sqrt{3}} | sqrt(2+sqrt(3))
\frac{\pi^2}{6} | pi**2/6
x^{-1} | x^(-1)
-1 | e^(i*pi)
\sqrt[3]{x+1} | (x+1)^(1/3)
\frac{1}{\sqrt{2}} | 1/√2`,
    wrong: String.raw`
6 | 2√13
0 | √10
0 | 2^10
2 | 2^10
20 | 10^12
6 | 3^12
2 | \sqrt12
8x | x^18
2x | x^12
x-1 | x^-1
9 | 10^-1
x^{n+1} | x^n+1
\sqrt{2x} | √2x
\sqrt{2}x | √2x
\sqrt{2x} | \sqrt2x
x^{1/2} | x^1/2
\frac{x}{2} | x^1/2
2x_1 | x_12
\frac{1}{23} | \frac123`,
  },
  {
    name: "products and mixed numbers",
    right: String.raw`
2 | 4\left(\frac12\right)
2 | 4(1/2)
2 | 4[\frac12]
2 | (4)\frac12
2 | 4 \cdot \frac{1}{2}
-2 | -4(1/2)
6 | 2(3)
6 | (2)(3)
\frac{9}{2} | 4\frac12
\frac{9}{2} | 4 1/2
-\frac{9}{2} | -4\frac12
\frac{3}{2} | 1½
3 | 2\frac{3}{2}
\frac{1}{3} | 1-2/3
\frac{x}{2}+3 | 1/2 x + 3
\frac{d}{d+1} | 1-\frac{1}{d+1}
\frac{d^2 y}{d x^2} | \frac{d^{2}y}{dx^{2}}`,
    wrong: String.raw`
\frac92 | 4\left(\frac12\right)
\frac92 | 4(1/2)
\frac92 | (4)\frac12
\frac92 | 4\cdot\frac12
\frac92 | 4*1/2
\frac72 | 2\frac{3}{2}
2 | 4\frac12
23 | 2(3)
\frac{x}{2} | 1/2x
\frac{1}{2x} | 1/2x
\frac{\sqrt3}{2} | 1/2\sqrt{3}
\frac{1}{2\sqrt3} | 1/2\sqrt{3}
3 1/2 | 3/2
\frac{y}{x} | \frac{dy}{dx}
\frac{1}{x} | \frac{d}{dx}
12 | 1 2`,
  },
  {
    name: "functions without brackets",
    right: String.raw`
\frac{\ln 2}{2} | \ln 2/2
\frac{\sin x}{x} | \sin x/x
x\cos x | \cos x \cdot x
3 | \ln 8/\ln 2
3 | \log 8/\log 2
\sin(2x) | \sin 2x
\frac{1}{2} | \sin\frac{\pi}{6}
\frac{1}{2} | \cos 60^\circ
\sin x\cos x | sinx cosx
\sin x\cos x | sin(x)cos(x)
(\sin x)^2 | \sin^2 x
\arcsin x | \sin^{-1} x
\ln(2)+1 | \ln 2 + 1
\ln(\ln x) | \ln\ln x
\log_2 3 | \frac{\log 3}{\log 2}
\log_{10} 2 | \log 2
\ln 4 | 2\log 2`,
    wrong: String.raw`
0 | \ln 2/2
\ln 1 | \ln 2/2
\sin 1 | \sin x/x
\cos(x^2) | \cos x \cdot x
\sin(x+1) | \sin x + 1
0 | \sin\pi/6
\frac12 | \sin\pi/6
\ln(2x) | \ln 2 (x)
\ln(2)x | \ln 2 (x)
\log_2 8 | \log_3 8
\frac{1}{\sin x} | \sin^{-1} x
\sin x | \cos x
2 | \sin(7) = 2
\sin(7+7) = 2 | 2`,
  },
  {
    name: "inequalities and their direction",
    right: String.raw`
x+y>0 | 0<y+x
x+y>0 | -x-y<0
2x+3y\le 6 | 6 \ge 3y+2x
a<b | b>a
x<y<z | z>y>x
x \geq 5 | 5 \le x
x<1 | -x>-1
x>2 | (2,\infty)
x \le 2 | (-\infty, 2]
-2\le x\le 7 | x\in[-2,7]
-1<x<2 | x > -1 \text{ and } x < 2
x<-1 \text{ or } x>2 | (-\infty,-1)\cup(2,\infty)
x<-1 \text{ or } x>2 | \mathbb{R}\setminus[-1,2]
x\ne 2 | (-\infty,2)\cup(2,\infty)
\{x\mid x>2\} | x>2`,
    wrong: String.raw`
x+y>0 | x+y<0
x+y\ge 0 | x+y\le 0
x+y>0 | -x-y>0
x+y>0 | x+y\ge 0
x+y>0 | x+y=0
x+y>1 | x+y>2
2x-3y<5 | 2x-3y>5
x^2+y^2<1 | x^2+y^2>1
xy>0 | xy<0
|x|+|y|\le 1 | |x|+|y|\ge 1
a<b | b<a
x<y<z | x>y>z
x>0, y>0 | x<0, y<0
x>2 | x<2
x>2 | [2,\infty)
x<-1 \text{ or } x>2 | -1<x<2
(1,2) | 1<x<2
x\in(1,2) | 1<x<2
(1,2)\cup(3,4) | 1<x<2 \text{ or } 3<x<4`,
  },
  {
    name: "fonts",
    right: String.raw`
12 | \mathbf{12}
12 | \mathrm{12}
12 | \text{12}
\frac12 | \boldsymbol{\frac12}
\frac12 | \bm{\frac{1}{2}}
2x | 2\mathbf{x}
e^2 | \mathrm{e}^2
\pi | \boldsymbol{\pi}
\sqrt2 | \mathbf{\sqrt{2}}
(1,2) | \mathbf{(1,2)}
-3 | \mathbf{-3}
3 | \color{red}{3}
3 | \textcolor{red}{3}
3 | \underline{3}
3 | \displaystyle 3
\text{(C)} | \textbf{(C)}`,
    wrong: String.raw`
12 | \mathbf{13}
\frac12 | \boldsymbol{\frac13}
12 | \mathbf{1}\mathbf{2}
12 | \mathbf{1} 2
3 | \mathbf{-3}`,
  },
  {
    name: "brackets and matrices",
    right: String.raw`
\begin{pmatrix}1&2\\3&4\end{pmatrix} | \left[\begin{array}{cc}1&2\\3&4\end{array}\right]
\begin{pmatrix}1&2\\3&4\end{pmatrix} | (\begin{matrix}1&2\\3&4\end{matrix})
\begin{pmatrix}1&2\\3&4\end{pmatrix} | [[1,2],[3,4]]
\begin{pmatrix}1\\2\end{pmatrix} | \begin{bmatrix}1\\[4pt]2\end{bmatrix}
\begin{pmatrix}4\\6\end{pmatrix} | \begin{pmatrix}1\\2\end{pmatrix}+\begin{pmatrix}3\\4\end{pmatrix}
\begin{pmatrix}-2\\-2\end{pmatrix} | \begin{pmatrix}1\\2\end{pmatrix}-\begin{pmatrix}3\\4\end{pmatrix}
\begin{pmatrix}2&4\\6&8\end{pmatrix} | 2\begin{pmatrix}1&2\\3&4\end{pmatrix}
\begin{pmatrix}\frac12\\1\end{pmatrix} | \frac{1}{2}\begin{pmatrix}1\\2\end{pmatrix}
\begin{pmatrix}7&10\\15&22\end{pmatrix} | \begin{pmatrix}1&2\\3&4\end{pmatrix}\begin{pmatrix}1&2\\3&4\end{pmatrix}
\begin{pmatrix}1\\2\end{pmatrix} | \begin{pmatrix}1&2\end{pmatrix}^T
\begin{pmatrix}5\end{pmatrix} | \begin{bmatrix}5\end{bmatrix}
5 | \begin{pmatrix}5\end{pmatrix}
(1,2) | ((1,2))
(1,2) | \left(\left(1,2\right)\right)
x=5 | (x=5)
5 | (x=5)
5 | [5]
(1,2) | \langle 1,2\rangle
(1,2) | \begin{pmatrix}1\\2\end{pmatrix}
[1,2) | [1,2[`,
    wrong: String.raw`
\begin{pmatrix}1&2\\3&4\end{pmatrix} | \left[\begin{array}{cc}1&3\\2&4\end{array}\right]
\begin{pmatrix}1&2\\3&4\end{pmatrix} | \begin{vmatrix}1&2\\3&4\end{vmatrix}
\begin{pmatrix}10&7\\15&22\end{pmatrix} | \begin{pmatrix}1&2\\3&4\end{pmatrix}\begin{pmatrix}1&2\\3&4\end{pmatrix}
\begin{pmatrix}1\\2\end{pmatrix} | \begin{pmatrix}1&2\end{pmatrix}
\begin{pmatrix}5\end{pmatrix} | \begin{bmatrix}6\end{bmatrix}
(1,2) | ((2,1))
(1,2) | [1,2]
x=5 | (x=6)`,
  },
  {
    name: "unequal",
    right: String.raw`
x \neq 3 | x != 3
x != 3 | x \ne 3
x \neq 3 | x ≠ 3
x \neq 3 | 3 \ne x
x\in\mathbb{R}, x\ne 2 | \mathbb{R}\setminus\{2\}`,
    wrong: String.raw`
x \neq 3 | x = 3
x = 3 | x \neq 3
x \neq 3 | x \neq 4
x \neq 3 | 3
3 | x \neq 3`,
  },
  {
    name: "signs of Unicode",
    right: String.raw`
x^2+x^3 | x²+x³
10^{-3} | 10⁻³
x_1 | x₁
\frac13 | ⅓
\frac14 | ¼
\frac34 | 3⁄4
\sqrt[3]{2} | ∛2
2\pi | 2π
\theta=1 | θ=1
-3 | −3
6 | 2×3
6 | 2·3
2 | 6÷3
x\in[1,2] | x∈[1,2]
x\ge 2 | x≥2
(-\infty,1)\cup(2,\infty) | (-∞,1)∪(2,∞)
(0,1)\cap(0,2) | (0,1)∩(0,2)
\mathbb{R}\setminus\{2\} | ℝ∖{2}
(1,2) | （1，2）
5 | ５
\lfloor x\rfloor | ⌊x⌋
90^\circ | 90°`,
    wrong: String.raw`
x^2 | x³
10^{-3} | 10³
x_1 | x₂
\frac13 | ¼
2 | ²
(1,2) | （2，1）
\sqrt2 | ∛2`,
  },
];
